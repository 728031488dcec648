-- Which labels the files of the archive have.
-- How many files and projects have each, in what kinds of files. Labels that RELION does not know come first, with the
-- one that may be meant.
WITH options AS (
    SELECT false AS unknown_only
)
SELECT label, known, type, unit, meant, kinds, files, projects
FROM census
CROSS JOIN options o
WHERE NOT (known AND o.unknown_only)
ORDER BY known, files DESC, label
