# SPDX-License-Identifier: Apache-2.0
"""What a bundle does with its options before anything else."""

from __future__ import annotations

from monai_i2v.errors import UsageError

__all__ = ["check_options"]


def check_options() -> None:
    """Refuse unknown options, keep paths and names as they were given, see that the others are within their limits.

    The bundles call this in ``initialize``.

    Raises:
        UsageError: When an option, or what is to be run, is unknown, or a value makes no sense.
    """
    # These need MONAI, which is slow to import; what else lies in `options` does not.
    from monai_i2v.options.command_line import typed_options
    from monai_i2v.options.running_workflow import defined_options, given_options, running_workflow
    from monai_i2v.options.training_options import check_training_options
    from monai_i2v.options.typed_text import keep_text
    from monai_i2v.options.unknown_options import refuse_unknown_options

    workflow = running_workflow()
    if workflow is None:  # a config that is read by itself was given no options
        return
    config = workflow.parser.get()
    if workflow.run_id not in config:
        raise UsageError(
            f"there is nothing called {workflow.run_id!r} to run, expected an id of the config, such as 'run'; put "
            "quotes around values with spaces."
        )
    typed, given = typed_options(), given_options()
    defined = defined_options(workflow)
    unread = defined - typed.keys() - given.keys()  # what an overlay leaves alone may rest
    known = {workflow.init_id, workflow.run_id, workflow.final_id, "run", "imports", *unread}
    refuse_unknown_options(config, known, defined)
    keep_text(workflow, typed, given)
    check_training_options(workflow.parser)
