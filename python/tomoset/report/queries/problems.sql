-- Problems by code, and in how many files that the last crawl of their root met first or found changed.
SELECT
    severity, code, name, count(*) AS findings, sum(coalesce(count, 1))::BIGINT AS places, count(DISTINCT (root, path)) AS files,
    count(DISTINCT (root, path)) FILTER (is_fresh) AS fresh_files, count(DISTINCT (root, unit)) AS units
FROM ($problems) AS found
GROUP BY severity, code, name
ORDER BY CASE severity WHEN 'fatal' THEN 0 WHEN 'silent' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END, files DESC, code
