{# Rank of a record among the sound records of one key, the newest first; equal moments are ordered by
   all raw columns, so that the rank never depends on the order of the input. Copies are ranked apart.

   Arguments:
     key (list of strings): columns of the key.
     moment (string): the column that says how new a record is; none where the entity has no date.
     entity (string): a table of the source `shop`. #}
{% macro newest_first(key, moment, entity) -%}
    row_number() over (
        partition by {{ key | join(', ') }}, faulty_rule is null, copy_number
        order by
            {%- if moment %} {{ moment }} desc nulls last,{% endif %}
            {%- for column in raw_columns(entity) + ['landing_record'] %}
            raw_{{ column }} desc nulls last{{ ',' if not loop.last }}
            {%- endfor %}
    )
{%- endmacro %}
