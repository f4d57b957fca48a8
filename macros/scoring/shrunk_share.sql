{# A share per unit, such as the buyers of a product who came back, drawn towards the share of its group as far as units
   differ no more than by chance: the mean of a beta-binomial whose spread is told by its second moment (Kleinman 1973,
   doi 10.1080/01621459.1973.10481332). Where a group has no hits at all every unit has the share 1: they are alike.
   One row per unit; columns: those of the group, the unit, shrunk_share (0 to 1).

   Arguments:
     counts (string): relation or CTE, one row per unit.
     group_columns (list of strings): columns of the groups.
     unit (string): column that tells units apart within their group.
     hits (string): column, whole number: those who did.
     trials (string): column, whole number above 0: those who could. #}
{% macro shrunk_share(counts, group_columns, unit, hits, trials) -%}
    {%- set grouped = group_columns | join(', ') -%}
    with

    -- Sums of whole numbers, which are exact.
    sums as (
        select
            {{ grouped }},
            cast(sum({{ trials }}) as double) as trials,
            cast(sum({{ hits }}) as double) as hits,
            cast(sum(cast({{ hits }} as decimal(38, 0)) * {{ hits }}) as double) as squared_hits,
            cast(sum(cast({{ hits }} as decimal(38, 0)) * {{ trials }}) as double) as mixed,
            cast(sum(cast({{ trials }} as decimal(38, 0)) * {{ trials }}) as double) as squared_trials
        from {{ counts }}
        group by {{ grouped }}
    ),

    shares as (
        select
            *,
            hits / trials as share
        from sums
    ),

    spreads as (
        select
            {{ grouped }},
            share,
            -- Trials that the group's share counts for: endless when units differ by chance alone.
            1 / least(greatest(coalesce(
                (
                    (squared_hits - 2 * share * mixed + share * share * squared_trials)
                    / nullif(share * (1 - share), 0)
                    - trials
                ) / nullif(squared_trials - trials, 0),
                0
            ), 0.000001), 1) - 1 as prior_trials
        from shares
    )

    select
        {%- for column in group_columns %}
        {{ counts }}.{{ column }},
        {%- endfor %}
        {{ counts }}.{{ unit }},
        case
            when spreads.share = 0 then 1
            else
                ({{ counts }}.{{ hits }} + spreads.prior_trials * spreads.share)
                / ({{ counts }}.{{ trials }} + spreads.prior_trials)
        end as shrunk_share
    from {{ counts }}
    inner join spreads
        on
            {% for column in group_columns -%}
            {{ counts }}.{{ column }} = spreads.{{ column }}
            {%- if not loop.last %} and {% endif %}
            {%- endfor %}
{%- endmacro %}
