-- Grain: one row per customer to write to, or to leave alone and compare with. money_at_risk and expected_gain add up.
{#- Hashes whose first four hexadecimal digits lie below this are the control group's; all lie below a g. -#}
{%- set control_hashes = (var('campaign_control_share') * 65536) | round | int -%}
{%- set control_limit = '%04x' | format(control_hashes) if control_hashes < 65536 else 'g' %}
{%- set contact_cost = var('campaign_contact_cost') | float -%}
{#- Nobody knows whom a contact keeps before it was tried: only a shop that says so is told a gain. -#}
{%- set save_rate = var('campaign_save_rate') | string %}
with

customers as (
    select
        customer_id,
        accepts_marketing,
        lifecycle_stage,
        value_tier,
        rfm_segment,
        recommended_action,
        action_reason,
        recommended_product_id,
        recommended_product_name,
        product_reason,
        churn_probability,
        money_at_risk
    from {{ ref('customer_360') }}
),

contact_actions as (
    select
        lifecycle_stage,
        value_tier
    from {{ ref('customer_actions') }}
    where is_contact
),

-- A shop that records consent has it from some.
consent as (
    select count(accepts_marketing) > 0 as is_known
    from customers
),

contacts as (
    select
        customer_id,
        max(contacted_at) as last_contacted_at
    from {{ ref('stg_shop__campaign_contacts') }}
    where campaign_group = 'treatment'
    group by 1
),

candidates as (
    select
        customers.*,
        substr({{ dbt.hash("'campaign ' || customers.customer_id") }}, 1, 4) < '{{ control_limit }}' as is_control
    from customers
    cross join consent
    inner join contact_actions
        on
            customers.lifecycle_stage = contact_actions.lifecycle_stage
            and customers.value_tier = contact_actions.value_tier
    left join contacts
        on customers.customer_id = contacts.customer_id
    where
        customers.lifecycle_stage in ('{{ var('campaign_stages') | join("', '") }}')
        -- Without an assumption whoever a certain success would pay for.
        and customers.money_at_risk * {{ save_rate or 1 }} > {{ contact_cost }}
        and (customers.accepts_marketing or not consent.is_known)
        and coalesce(
            {{ local_date('contacts.last_contacted_at') }}
            < cast({{ dbt.dateadd('day', -(var('campaign_rest_days') | int), as_of_date()) }} as date),
            true
        )
),

-- Whatever share of those who would leave a contact keeps, the most money at risk is the most gain.
ranked as (
    select
        *,
        row_number() over (order by money_at_risk desc, customer_id asc) as audience_rank,
        -- The budget pays for contacts, not for who is left alone.
        sum(case when is_control then 0 else 1 end) over (
            order by money_at_risk desc, customer_id asc
            rows between unbounded preceding and current row
        ) as contact_count
    from candidates
),

campaign_audience as (
    select
        customer_id,
        cast(audience_rank as integer) as audience_rank,
        case when is_control then 'control' else 'treatment' end as campaign_group,
        money_at_risk,
        cast({{ contact_cost }} / money_at_risk as double) as break_even_save_rate,
        cast({{ save_rate or 'null' }} as double) as assumed_save_rate,
        cast(money_at_risk * {{ save_rate or 'null' }} - {{ contact_cost }} as double) as expected_gain,
        churn_probability,
        lifecycle_stage,
        value_tier,
        rfm_segment,
        recommended_action,
        recommended_product_id,
        recommended_product_name,
        action_reason || coalesce(' Offer: ' || recommended_product_name || '. ' || product_reason, '') as audience_reason,
        {{ as_of_date() }} as as_of_date
    from ranked
    {%- if var('campaign_budget') | string %}
    where contact_count <= {{ var('campaign_budget') | int }}
    {%- endif %}
)

select * from campaign_audience
