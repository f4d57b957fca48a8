{# A landed relation with one row per element of a JSON array: its columns, `<name>` (the element as JSON
   text) and `<name>_number` (its place, from 1). A row whose array is empty or null has none. One whose
   array cannot be read stays, as a malformed record with the text; so do those malformed before.

   Arguments:
     relation (string): SQL of the landed relation.
     array (string): SQL of the array as JSON text.
     name (string): what the element is called. #}
{% macro unnest_json(relation, array, name) %}
    {{- return(adapter.dispatch('unnest_json', 'clientele')(relation, array, name)) -}}
{% endmacro %}

{% macro duckdb__unnest_json(relation, array, name) -%}
    (select
        * exclude (elements, array_text, landing_record),
        cast(unnest(elements) as varchar) as {{ name }},
        generate_subscripts(elements, 1) as {{ name }}_number,
        coalesce(landing_record, case when elements[1] is null then array_text end) as landing_record
    from (
        select
            *,
            case
                when landing_record is not null then [cast(null as json)]
                when json_valid(array_text) and json_type(array_text) = 'ARRAY' then json_extract(array_text, '$[*]')
                when array_text is not null then [cast(null as json)]
            end as elements
        from (select *, nullif(nullif(trim({{ array }}), ''), 'null') as array_text from {{ relation }} as landed) as texts
    ) as arrays)
{%- endmacro %}

{% macro snowflake__unnest_json(relation, array, name) -%}
    (select
        texts.* exclude (array_text, landing_record),
        cast(elements.value as varchar) as {{ name }},
        elements.index + 1 as {{ name }}_number,
        coalesce(texts.landing_record, iff(is_array(try_parse_json(texts.array_text)), null, texts.array_text)) as landing_record
    from
        (select *, nullif(nullif(trim({{ array }}), ''), 'null') as array_text from {{ relation }} as landed) as texts,
        lateral flatten(input => case
            when texts.landing_record is null and (texts.array_text is null or is_array(try_parse_json(texts.array_text)))
                then try_parse_json(texts.array_text)
            else parse_json('[0]')
        end) as elements)
{%- endmacro %}
