{# Quintile of a value among the customers of one snapshot date: 1 + floor(5 x percent_rank), at most 5,
   in whole numbers, so that the edges are exact. Equal values get equal scores; the lowest value
   scores 1, and a customer alone scores 1.

   Arguments:
     value (string): the column to score; the highest value is best.
     direction (string): `asc`, or `desc` where the lowest value is best. #}
{% macro rfm_score(value, direction='asc') -%}
    cast(least(5, 1 + floor(
        5 * (rank() over (partition by snapshot_date order by {{ value }} {{ direction }}) - 1)
        / greatest(count(*) over (partition by snapshot_date) - 1, 1)
    )) as integer)
{%- endmacro %}
