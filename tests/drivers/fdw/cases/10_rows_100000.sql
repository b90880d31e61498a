IMPORT FOREIGN SCHEMA public LIMIT TO (numbers) FROM SERVER first_stuff INTO alice;
ALTER SERVER first_stuff OPTIONS (SET fetch_size '1000');
SELECT count(*), sum(n), md5(string_agg(what, '' ORDER BY n)) FROM alice.numbers WHERE n + random() * 0 > 0;
INSERT INTO alice.todos (id, title) VALUES (600, repeat('abcdefghij', 10000));
SELECT length(title), md5(title) FROM alice.todos WHERE id = 600;
