-- Prevents: a row rejected for a reason that nobody can look up. A rule stands in the seed
-- `rejection_rules`, or the shop's mapping (var `shop`) defines it for that table.
with

rejected as (
    select
        entity,
        rule
    from {{ ref('rejected_rows') }}
    group by 1, 2
),

explained as (
    select
        entity,
        rule
    from {{ ref('rejection_rules') }}
    {%- for entity, settings in (var('shop') or {}).items() if settings is mapping %}
    {%- for rule in settings.get('reject', {}) %}
    union all
    select
        '{{ entity }}' as entity,
        '{{ rule }}' as rule
    {%- endfor %}
    {%- endfor %}
)

select
    rejected.entity,
    rejected.rule
from rejected
left join explained
    on
        rejected.entity = explained.entity
        and rejected.rule = explained.rule
where explained.rule is null
