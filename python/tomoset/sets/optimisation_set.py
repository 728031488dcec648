"""The file that tells which particles, tomograms and trajectories go together."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tomoset import _core
from tomoset.blocks import StarBlock
from tomoset.exceptions import MissingLabelError, SetError, printable
from tomoset.sets.kinds import reader_hint
from tomoset.sets.looks import html_table
from tomoset.sets.manifold_set import ManifoldSet
from tomoset.sets.particle_set import ParticleSet
from tomoset.sets.paths import Within, folder_made, leads_out, project_root, text_path
from tomoset.sets.tomogram_set import TomogramSet
from tomoset.sets.trajectory_set import TrajectorySet
from tomoset.sets.values import optional, properties
from tomoset.star import read_star

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomoset.sets.findings import Finding
    from tomoset.star import StarFile

__all__ = ["OptimisationSet"]


class OptimisationSet:
    """Which files of particles, tomograms, trajectories and references go together: ``optimisation_set.star``.

    Paths are as they are written, relative to the project directory; those that are absent or empty are None.
    What they lead to is read when it is asked for, and once.
    """

    particles_file = optional("rlnTomoParticlesFile", str, "", "path of the particles")
    tomograms_file = optional("rlnTomoTomogramsFile", str, "", "path of the tomogram set")
    trajectories_file = optional("rlnTomoTrajectoriesFile", str, "", "path of the trajectories")
    manifolds_file = optional("rlnTomoManifoldsFile", str, "", "path of the manifolds")
    reference_map1_file = optional("rlnTomoReferenceMap1File", str, "", "path of the first half map")
    reference_map2_file = optional("rlnTomoReferenceMap2File", str, "", "path of the second half map")
    reference_mask_file = optional("rlnTomoReferenceMaskFile", str, "", "path of the mask")
    reference_fsc_file = optional("rlnTomoReferenceFscFile", str, "", "path of the Fourier shell correlation")

    def __init__(
        self, star: StarFile, block: str, root: Path, *, allow_outside: bool, threads: int | None
    ) -> None:
        self._star = star
        self._block_name = block
        self._root = root
        self._allow_outside = allow_outside
        self._threads = threads

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        *,
        project_root: str | os.PathLike[str] | None = None,
        allow_outside: bool = False,
        threads: int | None = None,
    ) -> OptimisationSet:
        """Read the file alone; the sets it names are read when they are asked for.

        Parameters
        ----------
        path : str or os.PathLike
            The file, such as ``Extract/job010/optimisation_set.star``; its first block is taken, as in RELION.
        project_root : str or os.PathLike, optional
            As for `TomogramSet.read`.
        allow_outside : bool
            Whether to read what paths lead to that leave the project.
        threads : int, optional
            How many threads may share the work; all processors when not given.

        Raises
        ------
        SetError
            The file has no block, or the block names no file, or has several rows.
        StarSyntaxError, StarTypeError, OSError
            As in `read_star`.

        Examples
        --------
        >>> opt = tomoset.OptimisationSet.read("optimisation_set.star")  # doctest: +SKIP
        >>> opt.particles.tomograms is opt.tomograms  # doctest: +SKIP
        True
        """
        where = text_path(path)
        star = read_star(where, threads=threads)
        block = next(iter(star), None)
        known = {each.label for each in properties(cls)}
        if block is None or not known.intersection(star[block].labels):
            found = "the file has no block" if block is None else f"its first block, {block!r}, names no file"
            labels = [] if block is None else star[block].labels
            meant = next((hint for label in known if (hint := _core.hint(label, "_", labels))), "")
            message = f"{printable(where, 1000)}: no optimisation set: {found}{meant}"
            hint = reader_hint(star, "OptimisationSet")
            raise SetError(
                f"{message}{hint}; RELION finds nothing in it", code="no-files", path=where, block=block
            )
        if not star[block].num_rows:
            message = (
                f"{printable(where, 1000)}: no optimisation set: its first block, {block!r}, has no rows"
            )
            raise SetError(f"{message}; RELION finds nothing in it", code="no-files", path=where, block=block)
        if star[block].num_rows > 1:
            message = f"{printable(where, 1000)}: {star[block].num_rows} rows; RELION reads the first alone"
            raise SetError(message, code="several-sets", path=where, block=block, row=1)
        return cls(
            star,
            block,
            _root(where, star[block], project_root),
            allow_outside=allow_outside,
            threads=threads,
        )

    # What it names.

    @property
    def path(self) -> str | None:
        """Where it was read from."""
        return self._star.path

    @property
    def project_root(self) -> Path:
        """The project directory, to which paths are relative."""
        return self._root

    @cached_property
    def files(self) -> Mapping[str, str]:
        """The paths that are there, by their property's name without ``_file``."""
        found = {each.name.removesuffix("_file"): getattr(self, each.name) for each in properties(type(self))}
        return MappingProxyType({name: path for name, path in found.items() if path is not None})

    def label_of(self, name: str) -> str:
        """Give the label of a name, as in `files`.

        Parameters
        ----------
        name : str
            Such as ``particles``.
        """
        return next(each.label for each in properties(type(self)) if each.name == f"{name}_file")

    def _value(self, label: str, *, needed: bool) -> Any:  # noqa: ANN401
        if label not in self._row:
            if needed:
                meant = _core.hint(label, "_", list(self._row))
                raise MissingLabelError(f"the optimisation set has no {label!r}{meant}", label, self.path)
            return None
        return self._row[label] or None

    @cached_property
    def _row(self) -> dict[str, Any]:
        """The values of its only row, by label."""
        table = self._star[self._block_name].to_arrow()
        return dict(zip(table.column_names, (column[0].as_py() for column in table.columns), strict=True))

    # What that leads to.

    @cached_property
    def tomograms(self) -> TomogramSet | None:
        """The tomograms; None where no file is named.

        Raises
        ------
        SetError, OSError, StarSyntaxError, StarTypeError
            As in `TomogramSet.read`; the path leaves the project.
        """
        path = self._lead("tomograms")
        if path is None:
            return None
        return TomogramSet.read(
            path, project_root=self._root, allow_outside=self._allow_outside, threads=self._threads
        )

    @cached_property
    def particles(self) -> ParticleSet | None:
        """The particles, with the tomograms; None where no file is named.

        Raises
        ------
        SetError, OSError, StarSyntaxError, StarTypeError
            As in `ParticleSet.read` and `tomograms`.
        """
        return self.read_particles(self.tomograms) if "particles" in self.files else None

    def read_particles(self, tomograms: TomogramSet | None) -> ParticleSet | None:
        """Read the particles with some tomograms, or with none; None where no file is named.

        Raises
        ------
        SetError, OSError, StarSyntaxError, StarTypeError
            As in `ParticleSet.read`; the path leaves the project.
        """
        path = self._lead("particles")
        if path is None:
            return None
        return ParticleSet.read(path, tomograms=tomograms, threads=self._threads)

    @cached_property
    def trajectories(self) -> TrajectorySet | None:
        """The trajectories, those of the particles in their order; None where no file is named.

        Raises
        ------
        SetError, OSError, StarSyntaxError, StarTypeError
            As in `TrajectorySet.read` and `TrajectorySet.of`.
        """
        found = self.read_trajectories()
        return found if found is None or self.particles is None else found.of(self.particles)

    def read_trajectories(self) -> TrajectorySet | None:
        """Read the trajectories in the order of their file; None where no file is named.

        Raises
        ------
        SetError, OSError, StarSyntaxError, StarTypeError
            As in `TrajectorySet.read`; the path leaves the project.
        """
        path = self._lead("trajectories")
        return None if path is None else TrajectorySet.read(path, threads=self._threads)

    @cached_property
    def manifolds(self) -> ManifoldSet | None:
        """The manifolds; None where no file is named.

        Raises
        ------
        SetError, OSError, StarSyntaxError, StarTypeError
            As in `ManifoldSet.read`.
        """
        path = self._lead("manifolds")
        return None if path is None else ManifoldSet.read(path, threads=self._threads)

    def is_there(self, name: str) -> bool:
        """Whether the file is there that a name stands for, as in `files`.

        Parameters
        ----------
        name : str
            Such as ``particles``.
        """
        # Unlike Path.exists it does not raise for a path that is too long.
        return name in self.files and os.path.exists(self._root / self.files[name])  # noqa: PTH110

    def _lead(self, name: str, within: Within | None = None) -> str | None:
        """Give where a path leads to, if it may be read; `within` knows the project already."""
        path = self.files.get(name)
        if path is None:
            return None
        found = self._root / path
        if not self._allow_outside and (within or Within(self._root)).leads_out(path):
            where = printable(self.path or "<memory>", 1000)
            message = (
                f"{where}: the path of the {name}, {printable(path, 1000)}, leads out of the project"
                f" {printable(str(self._root), 1000)}; pass allow_outside=True to read it"
            )
            raise SetError(message, code="outside", path=self.path)
        if not self.is_there(name):
            where = printable(self.path or "<memory>", 1000)
            raise FileNotFoundError(2, f"No such file: the {name} of {where}", os.fspath(found))
        return os.fspath(found)

    def validate(self) -> list[Finding]:
        """Give all that is wrong with the sets, each and together; see `TomogramSet.validate`.

        Returns
        -------
        list of Finding
            A set that cannot be read is a finding, too.
        """
        from tomoset.checking import check_optimisation

        return check_optimisation(self)

    # Editing.

    def with_files(self, **files: str | os.PathLike[str] | None) -> OptimisationSet:
        """Name other files.

        Parameters
        ----------
        **files : str, os.PathLike or None
            Paths by name: ``particles``, ``tomograms``, ``trajectories``, ``manifolds``, ``reference_map1``,
            ``reference_map2``, ``reference_mask`` and ``reference_fsc``. None takes one out.

        Raises
        ------
        TypeError
            Another name.
        """
        labels = {each.name.removesuffix("_file"): each.label for each in properties(type(self))}
        for name in files:
            if name not in labels:
                meant = _core.hint(name, "", list(labels))
                raise TypeError(f"there is no file {name!r} in an optimisation set{meant}")
        block = self._star[self._block_name]
        values = {labels[name]: os.fspath(path) for name, path in files.items() if path is not None}
        gone = [labels[name] for name, path in files.items() if path is None and labels[name] in block]
        star = self._star.copy()
        if gone:
            block = block.drop(gone)
        star[self._block_name] = block.with_columns(values) if values else block
        return OptimisationSet(
            star,
            self._block_name,
            self._root,
            allow_outside=self._allow_outside,
            threads=self._threads,
        )

    def write(self, path: str | os.PathLike[str], **options: Any) -> None:  # noqa: ANN401
        """Write the file; what was not edited keeps its text.

        Parameters
        ----------
        path : str or os.PathLike
            Where to; the folder is made. Within the project directory paths stay relative to it, elsewhere they become
            absolute. The files that they lead to are not written.
        **options
            As in `write_star`.
        """
        where = folder_made(path)
        found = self
        if leads_out(Path(where), self._root):
            found = self.with_files(**{name: self._root / file for name, file in self.files.items()})
        found._star.write(where, **options)

    def __repr__(self) -> str:
        where = printable(self.path, 1000) if self.path else "in memory"
        lines = [f"<OptimisationSet {where}>"]
        width = max((len(name) for name in self.files), default=0)
        lines += [f"  {name:<{width}}  {printable(path, 1000)}" for name, path in self.files.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        where = printable(self.path, 1000) if self.path else "in memory"
        there = ["yes" if self.is_there(name) else "no" for name in self.files]
        rows = {"set": list(self.files), "file": list(self.files.values()), "is there": there}
        return html_table(f"OptimisationSet {where}", pa.Table.from_pydict(rows), len(rows["set"]), 0)


def _root(path: str, block: StarBlock, given: str | os.PathLike[str] | None) -> Path:
    if given is not None:
        return Path(os.path.abspath(given))  # noqa: PTH100 (links must stay)
    paths = [value for value in block.to_arrow().slice(0, 1).to_pylist()[0].values() if value]
    return project_root(Path(path), str(paths[0]) if paths else None)
