\dt
\dt public.*
\d
\d todos
\d+ public.lists
\d open_todos
\d+ open_todos
\d+ todo_counts
\di
\ds
\dv
\dm
\df
\df public.sh*
\sf public.touch
\sv open_todos
\dT
\dT+ mood
\dD
\dP
\dX
\dd
\d+ part_of
\d nowhere
\dy
\dx
