DROP INDEX CONCURRENTLY public.ds_line_note;
