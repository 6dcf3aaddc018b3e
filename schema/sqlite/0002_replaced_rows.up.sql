-- INSERT OR REPLACE and UPDATE OR REPLACE remove the rows in their way, and where recursive_triggers is off, as in nearly
-- every program, no delete trigger tells. So a trigger before the statement notes which rows are in the way, and one
-- after it, which runs only when the row really went in, makes the change log and what is derived forget them. Notes of
-- statements that ended otherwise are dropped by the next one; the table is as good as empty.
CREATE TABLE triune_replaced (
  capture TEXT NOT NULL,
  first ANY,
  second ANY
) STRICT;

CREATE INDEX triune_replaced_by_capture ON triune_replaced (capture);
