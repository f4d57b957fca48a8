{# Fails for each row on which the expression is false or null.

   Arguments:
     expression (string): a condition on the columns of one row. #}
{% test expression_is_true(model, expression) %}
select *
from {{ model }}
where not coalesce({{ expression }}, false)
{% endtest %}
