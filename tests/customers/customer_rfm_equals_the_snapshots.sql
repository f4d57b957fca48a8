-- Prevents: two truths about a customer. The scores that are published and those that the models learn
-- from are computed apart (the former need no history) and must agree on as_of_date.
with

customer_rfm as (
    select
        customer_id,
        recency_days,
        frequency,
        monetary,
        net_monetary,
        r_score,
        f_score,
        m_score
    from {{ ref('customer_rfm') }}
),

snapshots as (
    select
        customer_id,
        recency_days,
        frequency,
        monetary,
        net_monetary,
        r_score,
        f_score,
        m_score
    from {{ ref('int_customer_snapshots') }}
    where snapshot_date = {{ as_of_date() }}
)

(
    select * from customer_rfm
    except
    select * from snapshots
)
union all
(
    select * from snapshots
    except
    select * from customer_rfm
)
