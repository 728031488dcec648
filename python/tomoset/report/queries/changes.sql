-- How many files of each kind the last crawl of each root found new, changed or gone.
-- Where it lists projects, these are the ones that are gone.
SELECT change, kind, count(*) AS files, coalesce(sum(size), 0)::BIGINT AS bytes
FROM ($changes) AS changes
GROUP BY change, kind
ORDER BY change, files DESC, kind
