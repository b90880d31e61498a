-- no-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS sq_line_item ON public.sq_line (item);
