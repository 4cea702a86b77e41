-- How the words of audit records are kept, so that a search costs nearly the same
-- for old records as for new ones. A search for newest first passes by all newer
-- records of a word: by page where the word fills four pages of a segment, record
-- by record where it does not. So segments are few. A job in the background merges
-- all of them from time to time (Store.TidyWords); nothing else may begin that,
-- hence usermerge as high as it goes. Pages stay as large as they come: smaller
-- ones fill sooner, but a common word then has so many that finding the right one
-- takes longer.

-- +goose Up
INSERT INTO audit_words (audit_words, rank) VALUES ('usermerge', 16);
INSERT INTO audit_words (audit_words) VALUES ('optimize');

-- The words that occur, straight from the index: it takes no room. One row a
-- word and record; read one word at a time with LIMIT 1.
CREATE VIRTUAL TABLE audit_vocabulary USING fts5vocab (audit_words, instance);
