-- How many files of each kind the last crawl of each root found new, changed or gone, by project or topmost folder.
SELECT root, unit, change, kind, count(*) AS files
FROM ($changes) AS changes
GROUP BY root, unit, change, kind
ORDER BY root, unit, change, kind
