\dp todos
