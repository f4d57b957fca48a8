{# Quintile of a value among the customers of one snapshot date, 1 to 5: 1 + floor(5 x place), where place runs
   from 0 to 1 and equal values stand in the middle of their places. The lowest value scores 1 and the highest 5,
   however many customers share it; where all are equal, or one is alone, nobody is better than another: 3.
   Divided as doubles: Snowflake rounds a quotient of whole numbers to six places, which moves the edges of a
   shop of more than two million customers.

   Arguments:
     value (string): the column to score; the highest value is best.
     direction (string): `asc`, or `desc` where the lowest value is best. #}
{% macro rfm_score(value, direction='asc') -%}
    {%- set ordered = "over (partition by snapshot_date order by " ~ value ~ " " ~ direction ~ ")" -%}
    {%- set customers = "count(*) over (partition by snapshot_date)" -%}
    {#- A frame ends with the last of equal values. -#}
    cast(case
        when rank() {{ ordered }} = 1 and count(*) {{ ordered }} = {{ customers }} then 3
        when rank() {{ ordered }} = 1 then 1
        when count(*) {{ ordered }} = {{ customers }} then 5
        else least(5, 1 + floor(
            cast(5 * (rank() {{ ordered }} + count(*) {{ ordered }} - 2) as double) / (2 * ({{ customers }} - 1))
        ))
    end as integer)
{%- endmacro %}
