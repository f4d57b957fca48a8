-- Grain: one row per campaign and RFM segment before the contact, and one per campaign for all. Counts of the segments add
-- up to those of all; shares and uplifts do not.
-- uplift has Newcombe's hybrid score interval (1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I,
-- method 10); whether segments differ is told by Cochran's Q (1954, doi 10.2307/3001666), its chance by Wilson and Hilferty's
-- cube root (1931, doi 10.1073/pnas.17.12.684).
{#- Customers of each group from which a segment is compared with others. -#}
{%- set fewest = 10 -%}
{%- set outcome_days = var('campaign_outcome_days') | int %}
with

-- Of several contacts by one campaign the first counts: what it did to a customer cannot be told from what later ones did.
first_contacts as (
    select
        customer_id,
        campaign,
        campaign_group,
        contacted_at,
        row_number() over (
            partition by campaign, customer_id
            order by contacted_at, campaign_group
        ) as contact_number
    from {{ ref('stg_shop__campaign_contacts') }}
),

contacts as (
    select
        customer_id,
        campaign,
        campaign_group,
        contacted_at,
        {{ dbt.dateadd('day', outcome_days, 'contacted_at') }} as ends_at,
        {{ local_date('contacted_at') }} as contact_date,
        cast({{ dbt.dateadd('day', outcome_days, local_date('contacted_at')) }} as date) < {{ as_of_date() }} as is_over
    from first_contacts
    where contact_number = 1
),

orders as (
    select
        customer_id,
        ordered_at
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
),

outcomes as (
    select
        contacts.campaign,
        contacts.customer_id,
        count(orders.ordered_at) as order_count
    from contacts
    left join orders
        on
            contacts.customer_id = orders.customer_id
            and contacts.contacted_at < orders.ordered_at
            and contacts.ends_at >= orders.ordered_at
    group by 1, 2
),

customer_snapshots as (
    select
        customer_id,
        snapshot_date,
        r_score * 100 + f_score * 10 + m_score as rfm_code
    from {{ ref('int_customer_snapshots') }}
),

-- Who they were on the last day that was looked at before the contact: what came of it is no reason to be in a segment.
last_snapshots as (
    select
        contacts.campaign,
        contacts.customer_id,
        max(customer_snapshots.snapshot_date) as snapshot_date
    from contacts
    inner join customer_snapshots
        on
            contacts.customer_id = customer_snapshots.customer_id
            and contacts.contact_date >= customer_snapshots.snapshot_date
    group by 1, 2
),

rfm_segments as (
    select
        rfm_code,
        rfm_segment
    from {{ ref('rfm_segments') }}
),

measured as (
    select
        contacts.campaign,
        contacts.campaign_group,
        contacts.contact_date,
        contacts.is_over,
        coalesce(rfm_segments.rfm_segment, 'Unknown') as segment,
        case when outcomes.order_count > 0 then 1 else 0 end as has_ordered
    from contacts
    inner join outcomes
        on
            contacts.campaign = outcomes.campaign
            and contacts.customer_id = outcomes.customer_id
    left join last_snapshots
        on
            contacts.campaign = last_snapshots.campaign
            and contacts.customer_id = last_snapshots.customer_id
    left join customer_snapshots
        on
            last_snapshots.customer_id = customer_snapshots.customer_id
            and last_snapshots.snapshot_date = customer_snapshots.snapshot_date
    left join rfm_segments
        on customer_snapshots.rfm_code = rfm_segments.rfm_code
),

rows_of_all as (
    select
        campaign,
        campaign_group,
        contact_date,
        is_over,
        segment,
        has_ordered
    from measured
    union all
    select
        campaign,
        campaign_group,
        contact_date,
        is_over,
        'All' as segment,
        has_ordered
    from measured
),

counts as (
    select
        campaign,
        segment,
        min(contact_date) as first_contact_date,
        max(contact_date) as last_contact_date,
        {% for group in ['treatment', 'control'] -%}
        count(case when is_over and campaign_group = '{{ group }}' then 1 end) as {{ group }}_count,
        count(case when is_over and campaign_group = '{{ group }}' and has_ordered = 1 then 1 end) as {{ group }}_buyer_count,
        {% endfor -%}
        count(case when not is_over then 1 end) as open_count
    from rows_of_all
    group by 1, 2
),

limits as (
    select
        *,
        {% for group in ['treatment', 'control'] -%}
        cast({{ group }}_buyer_count as double) / nullif({{ group }}_count, 0) as {{ group }}_rate,
        case when {{ group }}_count > 0 then {{ wilson_limit(group ~ '_buyer_count', group ~ '_count', '-') }} end as {{ group }}_low,
        case when {{ group }}_count > 0 then {{ wilson_limit(group ~ '_buyer_count', group ~ '_count', '+') }} end as {{ group }}_high,
        {% endfor -%}
        -- Agresti and Caffo (2000): one more who did and one who did not in each group, so that no variance is 0.
        cast(treatment_buyer_count + 1 as double) / (treatment_count + 2) as treatment_share,
        cast(control_buyer_count + 1 as double) / (control_count + 2) as control_share
    from counts
),

weighed as (
    select
        *,
        treatment_share - control_share as difference,
        1 / (
            treatment_share * (1 - treatment_share) / (treatment_count + 2)
            + control_share * (1 - control_share) / (control_count + 2)
        ) as weight
    from limits
),

spreads as (
    select
        campaign,
        count(*) as segment_count,
        -- Decimals, because doubles add up to other bits in another order.
        cast(sum(cast(weight as decimal(28, 9))) as double) as weights,
        cast(sum(cast(weight * difference as decimal(28, 9))) as double) as weighed_differences,
        cast(sum(cast(weight * difference * difference as decimal(28, 9))) as double) as weighed_squares
    from weighed
    where segment != 'All' and treatment_count >= {{ fewest }} and control_count >= {{ fewest }}
    group by 1
    having count(*) > 1
),

differences as (
    select
        campaign,
        segment_count - 1 as freedom,
        greatest(weighed_squares - weighed_differences * weighed_differences / weights, 0) as q
    from spreads
),

campaign_results as (
    select
        weighed.campaign,
        weighed.segment,
        weighed.first_contact_date,
        weighed.last_contact_date,
        cast(weighed.treatment_count as integer) as treatment_count,
        cast(weighed.control_count as integer) as control_count,
        cast(weighed.open_count as integer) as open_count,
        weighed.treatment_rate,
        weighed.control_rate,
        weighed.treatment_rate - weighed.control_rate as uplift,
        weighed.treatment_rate - weighed.control_rate - sqrt(
            power(weighed.treatment_rate - weighed.treatment_low, 2)
            + power(weighed.control_high - weighed.control_rate, 2)
        ) as uplift_low,
        weighed.treatment_rate - weighed.control_rate + sqrt(
            power(weighed.treatment_high - weighed.treatment_rate, 2)
            + power(weighed.control_rate - weighed.control_low, 2)
        ) as uplift_high,
        case
            when weighed.segment = 'All' and differences.q is not null then 1 - {{ normal_chance(
                '((power(differences.q / differences.freedom, 1.0 / 3) - 1 + 2.0 / (9 * differences.freedom))'
                ~ ' / sqrt(2.0 / (9 * differences.freedom)))'
            ) }}
        end as segments_differ_chance,
        {{ as_of_date() }} as as_of_date
    from weighed
    left join differences
        on weighed.campaign = differences.campaign
)

select * from campaign_results
