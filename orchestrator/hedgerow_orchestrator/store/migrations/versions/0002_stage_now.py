"""A stage's row is written when it waits or ends otherwise than well; `stage_now` adds what its newest attempt says.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FROM_ATTEMPT = ("state", "attempt", "node_id", "started_at_s", "finished_at_s", "error_code", "reason")


def upgrade() -> None:
    """Make the view: an attempt that is newer than the stage's row tells more than it."""
    newest = ", ".join(
        f"CASE WHEN attempt.attempt IS NULL THEN stage.{name} ELSE attempt.{name} END AS {name}"
        for name in FROM_ATTEMPT
    )
    op.execute(
        f"CREATE VIEW stage_now AS SELECT stage.problem_id, stage.iteration_id, stage.stage, stage.position, {newest} "
        "FROM stage LEFT JOIN attempt ON attempt.problem_id = stage.problem_id "
        "AND attempt.iteration_id = stage.iteration_id AND attempt.stage = stage.stage "
        "AND attempt.attempt = stage.attempt + 1"
    )


def downgrade() -> None:
    """Write into the rows what the view shows, and drop it."""
    values = ", ".join(FROM_ATTEMPT)
    op.execute(
        f"UPDATE stage SET ({values}) = (SELECT {values} FROM attempt WHERE attempt.problem_id = stage.problem_id "
        "AND attempt.iteration_id = stage.iteration_id AND attempt.stage = stage.stage "
        "AND attempt.attempt = stage.attempt + 1) "
        "WHERE EXISTS (SELECT 1 FROM attempt WHERE attempt.problem_id = stage.problem_id "
        "AND attempt.iteration_id = stage.iteration_id AND attempt.stage = stage.stage "
        "AND attempt.attempt = stage.attempt + 1)"
    )
    op.execute("DROP VIEW stage_now")
