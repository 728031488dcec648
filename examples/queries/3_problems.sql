-- Which files would RELION refuse or misread, and why?
SELECT severity, code, name, count(DISTINCT path) AS files, min(path) AS example
FROM problems WHERE severity <> 'note'
GROUP BY ALL ORDER BY severity, files DESC, code
