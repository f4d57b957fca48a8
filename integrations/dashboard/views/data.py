"""What came in, what was left out and why, and what an owner should look at."""

from show import has_rows, metrics, number, percent, section, table
from warehouse import read

summary = read(
    """
    select
        entity, raw_count, accepted_count, rejected_count, duplicate_count, left_out_count,
        rejected_share, as_of_date
    from monitoring.data_quality_summary
    order by raw_count desc, entity
    """
)
alarms = read(
    """
    select alarm, severity, entity, detail, record_count, amount, share, remedy
    from monitoring.data_quality_alarms
    order by severity, amount desc nulls last, alarm
    """
)
raw, rejected = summary["raw_count"].sum(), summary["rejected_count"].sum()
metrics(
    ("Alarms", number(len(alarms))),
    ("Raw rows", number(raw)),
    ("Accepted", number(summary["accepted_count"].sum())),
    ("Rejected", number(rejected), None if not raw else f"{percent(rejected / raw, 1)} of all"),
)

with section("Alarms"):
    if has_rows(alarms, "Nothing that an owner should look at."):
        table(alarms)

with section("Raw tables"):
    if has_rows(summary, "No raw table has been read yet."):
        table(summary)

with section("Rejected rows"):
    rules = read(
        """
        select
            rejected.entity, rejected.rule, count(*) as rejected_rows,
            max(rules.meaning) as meaning, max(rules.remedy) as remedy
        from staging.rejected_rows as rejected
        left join staging.rejection_rules as rules
            on rejected.entity = rules.entity and rejected.rule = rules.rule
        group by rejected.entity, rejected.rule
        order by rejected_rows desc, rejected.entity, rejected.rule
        """
    )
    if has_rows(rules, "No row was rejected."):
        table(rules, height=320)

with section("Builds"):
    builds = read(
        """
        select run_started_at, sum(raw_count) as raw_rows, sum(sound_count) as accepted_rows
        from monitoring.build_history
        group by run_started_at
        order by run_started_at desc
        limit 50
        """
    )
    if has_rows(builds, "No build has ended well yet."):
        table(builds)
