{# Add a customer's rhythm to snapshots: gap_scale, the gap between orders in days that is expected of them (the mean of
   their own gaps and two of the shop's mean gap); rhythm_class, 0 to 5, how even their gaps are (0 no gap yet, 1 one gap,
   then by coefficient of variation: 2 below 0.15, 3 below 0.4, 4 below 0.8, 5 more); silence_class, 0 to 8, how long
   they are silent, in gap_scale (limits 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3).

   Arguments:
     snapshots (string): relation or CTE with prior_gap, order_days, tenure_days, recency_days and gap_variation. #}
{% macro order_rhythm(snapshots) -%}
    with

    scaled as (
        select
            *,
            cast(2 * prior_gap + tenure_days - recency_days as double) / (1 + order_days) as gap_scale
        from {{ snapshots }}
    )

    select
        *,
        case
            when order_days < 2 then 0
            when order_days < 3 then 1
            when gap_variation < 0.15 then 2
            when gap_variation < 0.4 then 3
            when gap_variation < 0.8 then 4
            else 5
        end as rhythm_class,
        {% for limit in [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3] -%}
        {{ '+ ' if not loop.first }}case when recency_days >= {{ limit }} * gap_scale then 1 else 0 end
        {% endfor -%}
        as silence_class
    from scaled
{%- endmacro %}
