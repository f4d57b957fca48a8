{# The distinct raw records of a table of the raw contract: every contract column as `raw_<column>`,
   `landing_rule` (the rule a record broke on its way in, if any), `record_count` (how many exact
   copies the raw table holds) and `record_number` (1, 2, ... among the records of one cleaned key,
   in the order of `order_by` first).

   Exact copies share their key, so only keys that stand in several rows are compared in full: on
   ten million lines that takes half the time and a fraction of the memory of a plain `group by`.

   Arguments:
     entity (string): a table of the source `shop`.
     key (list of strings): its key columns, or for orders the columns a line is looked up by.
     order_by (string): the raw column that numbers the records of one key. #}
{% macro raw_records(entity, key, order_by) %}
    {%- set columns = clientele.raw_columns(entity) -%}
    {%- set all_columns = columns + ['landing_rule', 'landing_record'] -%}
    {%- set ordering = [order_by] + (all_columns | reject('equalto', order_by) | list) -%}
    select
        {% for column in columns -%} source.{{ column }} as raw_{{ column }}, {% endfor %}
        source.landing_record as raw_landing_record,
        source.landing_rule,
        1 as record_count,
        1 as record_number
    from {{ source('shop', entity) }} as source
    left join ({{ clientele.repeated_keys(entity, key) }}) as repeated_keys
        on {{ clientele.same_key(key) }}
    where repeated_keys.key_count is null
    union all
    select
        {% for column in columns -%} source.{{ column }} as raw_{{ column }}, {% endfor %}
        source.landing_record as raw_landing_record,
        source.landing_rule,
        count(*) as record_count,
        row_number() over (
            partition by {% for column in key %}{{ clientele.clean_id('source.' ~ column) }}{{ ', ' if not loop.last }}{% endfor %}
            order by {% for column in ordering %}source.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
        ) as record_number
    from {{ source('shop', entity) }} as source
    inner join ({{ clientele.repeated_keys(entity, key) }}) as repeated_keys
        on {{ clientele.same_key(key) }}
    group by {% for column in all_columns %}source.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
{% endmacro %}

{% macro repeated_keys(entity, key) -%}
    select
        {% for column in key -%}
        coalesce({{ clientele.clean_id(column) }}, '') as {{ column }},
        {% endfor -%}
        count(*) as key_count
    from {{ source('shop', entity) }}
    group by {% for column in key %}{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
    having count(*) > 1
{%- endmacro %}

{% macro same_key(key) -%}
    {% for column in key -%}
    coalesce({{ clientele.clean_id('source.' ~ column) }}, '') = repeated_keys.{{ column }}
    {{- ' and ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# The raw record as JSON text: what lands in rejected_rows. #}
{% macro raw_record(entity) -%}
    {{ clientele.json_record(clientele.raw_columns(entity) + ['landing_record']) }}
{%- endmacro %}
