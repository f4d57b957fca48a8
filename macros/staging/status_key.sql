{# The form in which states of an order are compared: `wc-on-hold`, `on_hold` and `on hold` are one state, and
   so are `annulée` and `annulee`. #}
{% macro status_key(expression) -%}
    regexp_replace(
        translate(replace({{ expression }}, ' - ', ' '), '-_àáâãäåçèéêëìíîïñòóôõöùúûü', '  aaaaaaceeeeiiiinooooouuuu'),
        '^wc ', ''
    )
{%- endmacro %}
