"""A STAR text with a bit of everything, for the tests of what users meet."""

TEXT = b"""# version 50001

data_general

_rlnTomoSubTomosAre2DStacks                       1
_rlnTomoName                                   TS_1

data_optics

loop_
_rlnOpticsGroup #1
_rlnVoltage #2
_rlnOpticsGroupName #3
_rlnTomoVisibleFrames #4
_myScore #5
1 300.0 first [1,0] 0.5
2 200.0 "the <second> group" [1,1] 1.5

data_mixed

_rlnVoltage 300

loop_
_rlnTomoName
TS_1
TS_2

data_empty

data_optics

loop_
_rlnVoltage #1
100.0

"""
