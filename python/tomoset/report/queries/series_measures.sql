-- What tilt series are like, each once.
SELECT tilts, highest_tilt - lowest_tilt AS tilt_range, dose FROM latest.tilt_series
