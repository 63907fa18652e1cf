PRAGMA journal_mode=DELETE;
PRAGMA synchronous=FULL;
CREATE TABLE book(id INTEGER PRIMARY KEY, title TEXT, pages INTEGER);
BEGIN; INSERT INTO book(title,pages) VALUES('The Rule of Saint Benedict',96),('Utopia',135); COMMIT;
BEGIN; INSERT INTO book(title,pages) VALUES('The Name of the Rose',512),('Walden',352); COMMIT;
BEGIN; INSERT INTO book(title,pages) VALUES('The Cloister and the Hearth',704),('Emma',474); COMMIT;
BEGIN; INSERT INTO book(title,pages) VALUES('Narcissus and Goldmund',320),('Ulysses',730); COMMIT;
BEGIN; UPDATE book SET pages = pages + 1 WHERE id <= 3; COMMIT;
SELECT count(*), sum(pages) FROM book;
