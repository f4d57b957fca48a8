{# Fails for each combination of values that stands in more than one row; nulls count as equal.

   Arguments:
     columns (list of strings): the columns of the key. #}
{% test unique_combination(model, columns) %}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
