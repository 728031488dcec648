"""The files that README speaks of."""

TILTS = """data_TS_01

loop_
_rlnTomoNominalStageTiltAngle #1
_rlnDefocusU #2
0.0 41236.5
3.0 41100.25

3.1 41000.0
"""
MOTION = """data_general

_rlnParticleNumber 1

data_TS_01/17

loop_
_rlnOriginXAngst #1
0.5
"""
PARTICLES = """data_particles

loop_
_rlnTomoName #1
_rlnClassNumber #2
_rlnDefocusU #3
TS_01 1 41000.5
TS_02 2 39000.5
"""


SET = """data_global

loop_
_rlnTomoName #1
_rlnTomoTiltSeriesStarFile #2
TS_01 Import/job001/tilt_series/TS_01.star
"""
SERIES = """data_TS_01

loop_
_rlnMicrographPreExposure #1
_rlnDefocusU #2
0.0 41236.5
101.0 41100.25
"""

README_FILES = {
    "Tomograms/job008/tilt_series/TS_01.star": TILTS,
    "Polish/job012/motion.star": MOTION,
    "particles.star": PARTICLES,
    "Tomograms/job006/tomograms.star": SET,
    "Import/job001/tilt_series/TS_01.star": SERIES,
}
