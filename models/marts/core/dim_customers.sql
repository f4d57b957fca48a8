-- Grain: one row per customer, registered or only named by an order or a return.
with

customers as (
    select
        customer_id,
        customer_name,
        email,
        city,
        country,
        registration_date,
        loyalty_tier,
        accepts_marketing
    from {{ ref('stg_shop__customers') }}
),

loyalty_tiers as (
    select
        loyalty_tier,
        is_premium
    from {{ ref('loyalty_tiers') }}
),

named_customers as (
    select customer_id
    from {{ ref('stg_shop__orders') }}
    where customer_id is not null
    group by 1
    union
    select customer_id
    from {{ ref('stg_shop__returns') }}
    where customer_id is not null
    group by 1
),

all_customers as (
    select
        coalesce(customers.customer_id, named_customers.customer_id) as customer_id,
        customers.customer_name,
        customers.email,
        customers.city,
        customers.country,
        customers.registration_date,
        customers.loyalty_tier,
        customers.accepts_marketing,
        customers.customer_id is null as is_inferred
    from customers
    full outer join named_customers
        on customers.customer_id = named_customers.customer_id
),

dim_customers as (
    select
        all_customers.customer_id,
        all_customers.customer_name,
        all_customers.email,
        all_customers.city,
        all_customers.country,
        all_customers.registration_date,
        all_customers.loyalty_tier,
        coalesce(loyalty_tiers.is_premium, false) as is_premium_customer,
        all_customers.accepts_marketing,
        all_customers.is_inferred,
        {{ as_of_date() }} as as_of_date
    from all_customers
    left join loyalty_tiers
        on all_customers.loyalty_tier = loyalty_tiers.loyalty_tier
)

select * from dim_customers
