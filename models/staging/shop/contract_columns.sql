-- Grain: one row per raw table and column of the raw contract.
{%- set entities = raw_entities() %}
with

landed_columns as (
    select
        entity,
        column_name
    from {{ ref('stg_shop__landed_columns') }}
),

contract as (
    {% for entity in entities %}
    {%- set settings = shop_mapping().get(entity) or {} %}
    {%- set mapped = settings.get('columns') or {} %}
    {%- for column in raw_columns(entity) %}
    {%- set is_mapped = column in mapped or modules.re.search('\\{.*\\b' ~ column ~ '\\b|\\b' ~ column ~ '\\b.*\\{',
        settings.relation | string, modules.re.S) is not none %}
    select
        '{{ entity }}' as entity,
        '{{ column }}' as column_name,
        {{ is_mapped | lower }} as is_mapped,
        {{ (is_mapped and mapped.get(column, '') | string | trim | lower not in ['null', 'none']) | lower }} as is_read
    union all
    {%- endfor %}
    {%- endfor %}
    -- The graph knows the contract only when a model runs.
    select
        '' as entity,
        '' as column_name,
        false as is_mapped,
        false as is_read
),

contract_columns as (
    select
        contract.entity,
        contract.column_name,
        -- Named by the mapping, be it as null: somebody has decided what it is.
        contract.is_mapped or landed_columns.column_name is not null as is_decided,
        contract.is_read or (not contract.is_mapped and landed_columns.column_name is not null) as is_filled
    from contract
    left join landed_columns
        on
            contract.entity = landed_columns.entity
            and contract.column_name = landed_columns.column_name
    where contract.entity != ''
)

select * from contract_columns
