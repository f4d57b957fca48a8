{# `rejected`, `left_out` (it lies on or after as_of_date) or `accepted`.

   Arguments:
     is_after (string): condition under which the record lies on or after as_of_date. #}
{% macro record_status(is_after) -%}
    case
        when broken_rule is not null then 'rejected'
        when {{ is_after }} then 'left_out'
        else 'accepted'
    end
{%- endmacro %}

{# True when a raw value is there but could not be read as its type. #}
{% macro is_unreadable(raw, typed) -%}
    ({{ typed }} is null and {{ clean_text(raw) }} is not null)
{%- endmacro %}
