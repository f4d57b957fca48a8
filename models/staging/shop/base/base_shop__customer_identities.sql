-- Grain: one row per id of a customer that gives way to another id of the same person; none unless the
-- mapping says `identity: email`.
with

customers as (
    select
        customer_id,
        person_id
    from {{ ref('base_shop__customers') }}
    where broken_rule = 'same_person'
),

base_shop__customer_identities as (
    select
        customer_id,
        person_id
    from customers
)

select * from base_shop__customer_identities
