{# Overrides dbt's columns of a table under contract. On DuckDB the keys of the contract stay words: its own
   would hold an index of every key in memory, and a table that another one refers to could not be replaced.
   The tests `unique`, `unique_combination` and `relationships` prove them on both targets. #}
{% macro duckdb__get_table_columns_and_constraints() -%}
    ({{ adapter.render_raw_columns_constraints(raw_columns=model['columns']) | join(', ') }})
{%- endmacro %}
