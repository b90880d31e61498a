DROP VIEW public.sq_counted_item;
DROP TYPE public.sq_size;
DROP TRIGGER sq_counted ON public.sq_line;
DROP FUNCTION public.sq_count_lines();
ALTER TABLE public.sq_item DROP COLUMN lines;
