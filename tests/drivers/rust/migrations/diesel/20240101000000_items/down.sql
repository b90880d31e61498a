DROP TABLE public.ds_line;
DROP TABLE public.ds_item;
DROP TYPE public.ds_mood;
