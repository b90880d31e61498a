CREATE INDEX CONCURRENTLY ds_line_note ON public.ds_line (note);
