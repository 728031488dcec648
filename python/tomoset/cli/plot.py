"""``tomoset plot``: a tomogram set as a picture."""

import io
from pathlib import Path

import click

from tomoset.cli.options import force_option
from tomoset.cli.output import STDOUT, binary_output, refuse_existing
from tomoset.cli.words import printable

_FORMATS = ("png", "pdf", "svg")


@click.command()
@click.argument("file", metavar="SET", type=click.Path())
@click.option(
    "-o",
    "--output",
    "target",
    metavar="OUT",
    type=click.Path(),
    help="The picture: .png, .pdf or .svg; '-' for PNG on standard output.",
)
@click.option("--tomogram", "names", metavar="NAME", multiple=True, help="Only this one; may be repeated.")
@click.option("--geometry", is_flag=True, help="Views, wedge, CTF and an image of the one --tomogram.")
@click.option("--particles", metavar="FILE", type=click.Path(), help="Particles to be drawn with --geometry.")
@click.option(
    "--image-size",
    metavar="WIDTH HEIGHT",
    nargs=2,
    type=click.IntRange(min=1),
    help="Of the tilt images in pixels, for --geometry where the images are not there.",
)
@click.option("--dpi", type=click.IntRange(20, 1200), default=150, show_default=True, help="Dots per inch.")
@force_option
def plot(
    file: str,
    target: str | None,
    names: tuple[str, ...],
    geometry: bool,
    particles: str | None,
    image_size: tuple[int, int] | None,
    dpi: int,
    force: bool,
) -> None:
    """Draw a tomogram set: tilts against dose, defocus and shifts against tilt, and its tomograms.

    \b
    tomoset plot Tomograms/job006/tomograms.star -o set.png
    tomoset plot tomograms.star -o TS_01.png --geometry --tomogram TS_01
    """  # noqa: D301  click reads the mark
    if target is None:
        raise click.UsageError("Missing option '-o': the picture to write, .png, .pdf or .svg.")
    kind = "png" if target == STDOUT else Path(target).suffix.lower().removeprefix(".")
    if kind not in _FORMATS:
        raise click.UsageError(f"-o {printable(target)}: a picture is .png, .pdf or .svg")
    if geometry and len(names) != 1:
        raise click.UsageError("--geometry draws one tilt series: --tomogram NAME")
    if particles is not None and not geometry:
        raise click.UsageError("--particles is for --geometry")
    if image_size is not None and not geometry:
        raise click.UsageError("--image-size is for --geometry")
    from tomoset.sets import ParticleSet, TomogramSet

    tomos = TomogramSet.read(file, missing="skip")
    for finding in tomos.findings:
        click.echo(f"tomoset: warning: {printable(str(finding))}", err=True)
    if names:
        tomos = tomos.select(dict.fromkeys(names))
    if target != STDOUT:
        # Drawing takes longer than reading, and a mistyped set is the worse mistake.
        refuse_existing(target, replace=force)
    picture = io.BytesIO()
    if geometry:
        own = None if particles is None else ParticleSet.read(particles, tomograms=tomos)
        drawn = tomos[0].plot(None if own is None else own.of(tomos), image_size=image_size)
    else:
        drawn = tomos.plot()
    drawn.savefig(picture, format=kind, dpi=dpi)
    with binary_output(target, replace=force) as out:
        out.write(picture.getvalue())
