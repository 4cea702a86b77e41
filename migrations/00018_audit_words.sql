-- How the words of audit records are kept, so that a search costs the same for
-- old records as for new ones. A search for newest first passes by all newer
-- records of a word: by page where a segment has an index of the word's pages,
-- record by record where it has none. So segments are few, and smaller pages
-- begin to be indexed sooner. A job in the background merges all segments from
-- time to time (Store.TidyWords); nothing else may begin that, hence usermerge
-- as high as it goes.

-- +goose Up
INSERT INTO audit_words (audit_words, rank)
    VALUES ('pgsz', 2000), ('usermerge', 16);
INSERT INTO audit_words (audit_words) VALUES ('optimize');

-- The words that occur, straight from the index: it takes no room. One row a
-- word and record; read one word at a time with LIMIT 1.
CREATE VIRTUAL TABLE audit_vocabulary USING fts5vocab (audit_words, instance);
