"""One word for one thing, in every command: what an option is called, which former spellings are understood, what help says."""

import shlex
from collections import defaultdict

import click
import pytest

import cli
from workbench.catalogue.examples import EXAMPLES


def commands(group=cli.cli, path=()):
    """Yield name and command of all that can be run."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join([*path, name]), command


ALL = dict(commands())
TWO_MEANINGS = {
    "--levels",  # a measurement takes many files
    "--updates",  # of CFR (in turn or at once), and how many a learner makes: both are the field's
    "--from",  # a step of an episode, and programs to start from
    "--resume",  # of solve may go without its value
    "--out",  # directories and files
    "--sandbox",  # what a user's own program is put into, and how much of it candidates get
    "--width",  # of a figure, and of a network
    "--policy",  # that of a run is drawn, and a learned one is played
    "--against",  # the policy of a run is drawn; one in a file can be shown, too
    "--seed",  # solvers take any number; random ones none below zero
}


def test_an_option_is_the_same_thing_everywhere():
    kinds = defaultdict(set)
    for command in ALL.values():
        for param in command.params:
            if isinstance(param, click.Option) and not param.hidden:
                for spelling in param.opts:
                    kinds[spelling].add((param.is_flag, param.type.name, param.multiple))
    assert {spelling for spelling, found in kinds.items() if len(found) > 1} == TWO_MEANINGS & {*kinds}
    assert not {"--workers", "--threads"} & {*kinds}
    for name, command in ALL.items():
        for param in command.params:
            if {"--seeds", "--every", "--jobs", "-n"} & {*param.opts}:
                assert isinstance(param.type, click.IntRange) and not param.is_flag, (name, param.opts)


FORMER = {
    "distill": ("--workers 3", "--jobs 3"),
    "evolve new": ("cfr --workers 2 --horizon 9", "cfr --jobs 2 -n 9"),
    "evolve resume": ("run --workers 2", "run --jobs 2"),
    "evolve ablate": ("cfr --every --iterations 7", "cfr --all -n 7"),
    "evolve compare": ("cfr --iterations 7", "cfr --horizon 7"),
    "critic": ("2048 --threads 2", "2048 --jobs 2"),
    "play-lm": ("run --games 2", "run --episodes 2"),
    "train-lm": ("--target action", "--answers action"),
}


@pytest.mark.parametrize("name", FORMER)
def test_former_spellings_are_understood_and_told_nowhere(name):
    former, now = (ALL[name].make_context(name, text.split()).params for text in FORMER[name])
    fresh = ALL[name].make_context(name, [w for w in FORMER[name][1].split() if not w.startswith("-")][:1]).params
    assert former == now and former != fresh
    told = ALL[name].get_help(click.Context(ALL[name]))
    for word in FORMER[name][0].split():
        if word.startswith("--") and word not in FORMER[name][1].split() and word not in ("--horizon",):
            assert f"{word} " not in told, word


def test_updates_of_players_are_no_number_and_say_how_that_is_said():
    with pytest.raises(click.UsageError, match=r"so many updates, or iterations, are said by -n 30"):
        ALL["compare"].make_context("compare", ["2048-2x2", "--methods", "td", "--updates", "30"])


@pytest.mark.parametrize("name", ["evolve new", "evolve compare"])
def test_seeds_are_a_number_of_runs_and_say_where_programs_are_named(name):
    with pytest.raises(click.UsageError, match=r"programs to start from are named by --from known"):
        ALL[name].make_context(name, ["cfr", "--seeds", "known"])


def test_one_discovery_is_one_run():
    with pytest.raises(click.UsageError, match="gameplan evolve compare TASK --seeds 3"):
        ALL["evolve new"].make_context("evolve new", ["cfr", "--seeds", "3"])


def groups(group=cli.cli, path=()):
    yield " ".join(path), group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from groups(command, (*path, name))


def test_summaries_fit_a_terminal():
    for name, group in groups():
        lines = group.get_help(click.Context(group, info_name=f"gameplan {name}".strip(), terminal_width=80)).splitlines()
        assert all(len(line) <= 80 for line in lines), name
        cut = [line for line in lines[1:] if line.endswith("...")]
        assert not cut, f"{name}: {cut}"
        heads = [line.split()[0] for line in lines if line.startswith("  ")]
        assert all(command in heads for command in group.list_commands(click.Context(group))), name


def test_every_command_has_examples_that_can_be_typed():
    described = {**ALL, **{name: group for name, group in groups() if name}}
    assert set(described) == set(EXAMPLES)
    for name, lines in EXAMPLES.items():
        assert all(line in described[name].epilog for line in lines)
        assert len(described[name].get_help(click.Context(described[name], terminal_width=80)).split("Examples:")) == 2
        for line in lines:
            assert len(line) <= 78, line
            program, *words = shlex.split(line)
            owner = next(" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in ALL)
            assert program == "gameplan" and owner.startswith(name), line
            ALL[owner].make_context(owner, words[len(owner.split()) :])  # raises where an option or value is none
