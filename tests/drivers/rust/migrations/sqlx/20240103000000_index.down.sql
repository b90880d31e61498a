DROP INDEX public.sq_line_item;
