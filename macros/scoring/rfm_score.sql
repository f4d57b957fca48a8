{# Quintile of a value among the customers of one snapshot date: 1 + floor(5 x percent_rank), at most 5.
   Equal values get equal scores; the lowest value scores 1, and a customer alone scores 1. Divided as
   doubles: Snowflake rounds a quotient of whole numbers to six places, which moves the edges of a shop of
   more than two million customers.

   Arguments:
     value (string): the column to score; the highest value is best.
     direction (string): `asc`, or `desc` where the lowest value is best. #}
{% macro rfm_score(value, direction='asc') -%}
    cast(least(5, 1 + floor(
        cast(5 * (rank() over (partition by snapshot_date order by {{ value }} {{ direction }}) - 1) as double)
        / greatest(count(*) over (partition by snapshot_date) - 1, 1)
    )) as integer)
{%- endmacro %}
