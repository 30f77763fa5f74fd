"""A small language model from nothing (extra ``learn``): its tokens, network, learning, sampling, files, play, and a server."""

from pathlib import Path

from games.errors import GameplanError

MODEL = "model.safetensors"  # in a run directory


def model_path(name: str | Path) -> Path | None:
    """Return the file of the language model that `name`, a run directory or such a file, means; None if it means none."""
    path = Path(name) / MODEL if Path(name).is_dir() else Path(name)
    return path if path.name == MODEL and path.is_file() else None


def needs_learn() -> None:
    """Check that the extra ``learn`` is installed.

    Raises
    ------
    GameplanError
        If it is not, with the command that installs it.
    """
    try:
        import jax  # noqa: F401
        import optax  # noqa: F401
    except ImportError as error:
        raise GameplanError(
            f"language models need {error.name}, which is not installed: pip install 'gameplan[learn]' installs it"
        ) from error
