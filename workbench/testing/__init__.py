"""Suites that every rule, meta-strategy solver, planner and world passes, for authors to subclass.

A suite is a class with methods ``test_...`` and attributes that say what is tested; it needs no test framework and reports through
``assert``. With pytest:

    from workbench.testing.rules import RuleSuite

    class TestMine(RuleSuite):
        algo = "./my_rule.py"
        bound = 3e-4
"""
