DROP TABLE public.sq_line;
DROP TABLE public.sq_item;
DROP TYPE public.sq_mood;
