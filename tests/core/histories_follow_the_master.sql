-- Prevents: a snapshot whose current version is not what the master says, or that keeps as current
-- what the master no longer has.
with

master_records as (
    select
        'customer' as entity,
        customer_id as entity_id,
        coalesce(loyalty_tier, '') || '|' || coalesce(cast(accepts_marketing as varchar), '') as attribute
    from {{ ref('stg_shop__customer_master') }}
    union all
    select
        'product' as entity,
        product_id as entity_id,
        cast(price as varchar) as attribute
    from {{ ref('stg_shop__products') }}
),

current_versions as (
    select
        'customer' as entity,
        customer_id as entity_id,
        coalesce(loyalty_tier, '') || '|' || coalesce(cast(accepts_marketing as varchar), '') as attribute
    from {{ ref('customers_history') }}
    where dbt_valid_to is null
    union all
    select
        'product' as entity,
        product_id as entity_id,
        cast(price as varchar) as attribute
    from {{ ref('products_history') }}
    where dbt_valid_to is null
)

select
    master_records.entity,
    master_records.entity_id,
    current_versions.entity as current_entity,
    current_versions.entity_id as current_entity_id
from master_records
full outer join current_versions
    on
        master_records.entity = current_versions.entity
        and master_records.entity_id = current_versions.entity_id
where
    master_records.entity_id is distinct from current_versions.entity_id
    or master_records.attribute is distinct from current_versions.attribute
