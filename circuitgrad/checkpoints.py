"""Checkpoints: arrays and a description in one file, replaced as a whole or not at all."""

from __future__ import annotations

import json
import os
import pathlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuitgrad.containers import leaves, places, rebuilt
from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.wire import Array

FORMAT = "circuitgrad checkpoint"
VERSION = 1


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes:
        description: Plain JSON.
        sections: The arrays of each section by place, as "layer1.W".
    """

    description: dict[str, Any]
    sections: dict[str, dict[str, Array]]

    def restored(self, section: str, like: Any) -> Any:
        """The arrays of a section in a container like the one that was saved.

        Raises:
            SpecError: Arrays in other places.
            ShapeError: Arrays of other shapes.
        """
        found = self.sections.get(section, {})
        names = places(like)
        if names != list(found):
            raise SpecError(
                f"checkpoint: {section} has the arrays {', '.join(found) or 'none'}; needed "
                f"{', '.join(names)}. It was written by another training."
            )
        for name, (_, model) in zip(names, leaves(like, ""), strict=True):
            if found[name].shape != np.shape(model):
                raise ShapeError(
                    f"checkpoint: {section} {name} is {found[name].shape}; needed "
                    f"{np.shape(model)}."
                )
        return rebuilt(like, iter(found.values()))


@dataclass(frozen=True)
class Saving:
    """Where and when a training is saved.

    Attributes:
        path: The file, by custom *.npz.
        every: Updates between checkpoints within an epoch; there is one after each epoch anyway.
        resume: False begins anew although the file is there.
    """

    path: pathlib.Path
    every: int | None = None
    resume: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | os.PathLike):
            raise SpecError(f"checkpoint: got {self.path!r}; needed a path.")
        object.__setattr__(self, "path", pathlib.Path(self.path))
        if self.every is not None and not (isinstance(self.every, int) and self.every > 0):
            raise SpecError(f"checkpoint: every is {self.every!r}; needed a whole number above 0.")

    @staticmethod
    def of(value: Any) -> Saving | None:
        """What a user means by a path, a Saving or None."""
        return value if value is None or isinstance(value, Saving) else Saving(value)


def write(path: str | os.PathLike[str], description: Any, sections: Mapping[str, Any]) -> None:
    """A checkpoint written beside its place and moved there when it is whole.

    Whoever is killed while writing leaves the file as it was.

    Args:
        path: The file, by custom *.npz.
        description: Whatever JSON can say.
        sections: Containers of arrays by name.
    """
    target = pathlib.Path(path)
    arrays: dict[str, Array] = {}
    index: dict[str, list[str]] = {}
    for section, value in sections.items():
        index[section] = places(value)
        for _, leaf in leaves(value, ""):
            arrays[f"array{len(arrays)}"] = np.asarray(leaf)
    text = json.dumps(
        {"format": FORMAT, "version": VERSION, "index": index, "description": description}
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with part.open("wb") as file:
        np.savez(file, description=np.array(text), **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)


def read(path: str | os.PathLike[str]) -> Checkpoint:
    """A checkpoint from its file; no code in it is run.

    Raises:
        SpecError: Not a checkpoint, or one of another version.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            known = json.loads(str(file["description"]))
            if known["format"] != FORMAT or known["version"] != VERSION:
                raise SpecError(f"checkpoint {path}: version {known['version']}; read: {VERSION}.")
            numbers = iter(range(len(file.files)))
            sections = {
                section: {name: file[f"array{next(numbers)}"] for name in names}
                for section, names in known["index"].items()
            }
    except (KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SpecError(
            f"checkpoint {path}: not a checkpoint of circuitgrad ({error}). Remove it, or choose "
            "another place."
        ) from None
    return Checkpoint(known["description"], sections)
