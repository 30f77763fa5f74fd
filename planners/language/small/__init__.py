"""A small language model from nothing (extra ``learn``): its tokens, network, learning, sampling, files, play, and a server."""

from games.errors import GameplanError


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
