{# A select that holds more in memory than a laptop has is made in several statements: DuckDB starts all branches of a
   union at once, so only statements come one after another. A warehouse takes it as one. #}

{# Days of customer snapshots that one statement makes at most; none: all. #}
{% macro snapshots_per_statement() %}
    {{- return(adapter.dispatch('snapshots_per_statement', 'clientele')()) -}}
{% endmacro %}

{% macro duckdb__snapshots_per_statement() %}
    {{- return(1) -}}
{% endmacro %}

{# A statement has at most 1 MB of text there, and history is read once. #}
{% macro snowflake__snapshots_per_statement() %}
    {{- return(none) -}}
{% endmacro %}

{# Batches of about `batch_rows` that the rows of a relation make, each in a statement of its own; 1 while it is not
   built.

   Arguments:
     relation (relation): what is read. #}
{% macro batch_count(relation) %}
    {{- return(adapter.dispatch('batch_count', 'clientele')(relation)) -}}
{% endmacro %}

{% macro duckdb__batch_count(relation) %}
    {%- if not execute or not load_relation(relation) -%}
        {{- return(1) -}}
    {%- endif -%}
    {{- return((clientele.query_column('select count(*) from ' ~ relation)[0] / var('batch_rows')) | int + 1) -}}
{% endmacro %}

{% macro snowflake__batch_count(relation) %}
    {{- return(1) -}}
{% endmacro %}

{# Whether a row is of the first of some batches. Which batch it is of decides nothing but when it is made.

   Arguments:
     column (string): what keeps rows together.
     batches (int): number of batches. #}
{% macro in_first_batch(column, batches) -%}
    mod({{ clientele.hash_number([column]) }}, {{ batches }}) = 0 /* batch */
{%- endmacro %}

{# Post-hook: makes the batches after the first of a model whose select asks `in_first_batch`.

   Arguments:
     batches (int): number of batches. #}
{% macro insert_other_batches(batches) %}
    {%- for batch in range(1, batches) %}
    insert into {{ this }} by name
    {{ sql | replace('= 0 /* batch */', '= ' ~ batch ~ ' /* batch */') }};
    {%- endfor %}
{% endmacro %}
