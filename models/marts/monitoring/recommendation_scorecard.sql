-- Grain: one row per list and model. Nothing adds up.
-- Normalised discounted cumulative gain with binary gains (Järvelin and Kekäläinen 2002, doi 10.1145/582415.582418): a
-- hit counts 1 / log2(rank + 1), over what the best possible list would have got.
{%- set list_length = 10 %}
with

recommendation_scores as (
    select
        snapshot_date,
        customer_id,
        list,
        model,
        list_rank,
        product_id
    from {{ ref('recommendation_scores') }}
    where snapshot_date < {{ as_of_date() }}
),

product_purchases as (
    select
        snapshot_date,
        customer_id,
        product_id,
        last_purchase_date
    from {{ ref('int_product_purchases') }}
),

models as (
    select
        snapshot_date,
        list,
        model
    from recommendation_scores
    group by 1, 2, 3
),

-- Bought since; for the list of what is new only what had not been bought before.
bought as (
    select
        models.snapshot_date,
        models.list,
        models.model,
        today.customer_id,
        today.product_id,
        past.product_id is not null as was_bought
    from models
    inner join product_purchases as today
        on
            today.snapshot_date = {{ as_of_date() }}
            and models.snapshot_date <= today.last_purchase_date
    left join product_purchases as past
        on
            models.snapshot_date = past.snapshot_date
            and today.customer_id = past.customer_id
            and today.product_id = past.product_id
),

past_customers as (
    select
        snapshot_date,
        customer_id
    from {{ ref('int_recommendation_audience') }}
    where is_past
),

customers as (
    select
        bought.snapshot_date,
        bought.list,
        bought.model,
        bought.customer_id,
        count(case when bought.list = 'buy_again' or not bought.was_bought then 1 end) as bought_count
    from bought
    inner join past_customers
        on
            bought.snapshot_date = past_customers.snapshot_date
            and bought.customer_id = past_customers.customer_id
    group by 1, 2, 3, 4
),

hits as (
    select
        recommendation_scores.snapshot_date,
        recommendation_scores.list,
        recommendation_scores.model,
        recommendation_scores.customer_id,
        count(*) as hit_count,
        -- Decimals, because doubles add up to other bits in another order.
        sum(cast(ln(2) / ln(recommendation_scores.list_rank + 1) as decimal(18, 12))) as gain
    from recommendation_scores
    inner join bought
        on
            recommendation_scores.snapshot_date = bought.snapshot_date
            and recommendation_scores.list = bought.list
            and recommendation_scores.model = bought.model
            and recommendation_scores.customer_id = bought.customer_id
            and recommendation_scores.product_id = bought.product_id
    group by 1, 2, 3, 4
),

gains as (
    select
        customers.snapshot_date,
        customers.list,
        customers.model,
        customers.customer_id,
        case when hits.hit_count > 0 then 1 else 0 end as hit,
        coalesce(cast(hits.hit_count as double) / least(nullif(customers.bought_count, 0), {{ list_length }}), 0)
            as recall,
        coalesce(cast(hits.gain as double) / case
            {%- for count in range(1, list_length) %}
            when customers.bought_count = {{ count }} then 0{% for place in range(1, count + 1) %} + ln(2) / ln({{ place + 1 }}){% endfor %}
            {%- endfor %}
            else 0{% for place in range(1, list_length + 1) %} + ln(2) / ln({{ place + 1 }}){% endfor %}
        end, 0) as ndcg
    from customers
    left join hits
        on
            customers.snapshot_date = hits.snapshot_date
            and customers.list = hits.list
            and customers.model = hits.model
            and customers.customer_id = hits.customer_id
),

-- On the same customers: what a rule and the recommendations have in common is no chance.
compared as (
    select
        snapshot_date,
        list,
        model,
        hit,
        recall,
        ndcg,
        max(case when model = 'recommended' then ndcg end) over (partition by snapshot_date, list, customer_id)
        - ndcg as gain
    from gains
),

summed as (
    select
        snapshot_date,
        list,
        model,
        count(*) as customer_count,
        cast(sum(hit) as double) as hits,
        cast(sum(cast(recall as decimal(18, 12))) as double) as recall,
        cast(sum(cast(ndcg as decimal(18, 12))) as double) as ndcg,
        cast(sum(cast(ndcg * ndcg as decimal(18, 12))) as double) as squared_ndcg,
        cast(sum(cast(gain as decimal(18, 12))) as double) as gain,
        cast(sum(cast(gain * gain as decimal(18, 12))) as double) as squared_gain
    from compared
    group by 1, 2, 3
),

measured as (
    select
        list,
        model,
        snapshot_date,
        customer_count,
        hits / customer_count as hit_rate,
        recall / customer_count as recall,
        ndcg / customer_count as ndcg,
        1.96 * sqrt(
            greatest(squared_ndcg / customer_count - (ndcg / customer_count) * (ndcg / customer_count), 0)
            / customer_count
        ) as ndcg_error,
        gain / customer_count as gain,
        1.96 * sqrt(
            greatest(squared_gain / customer_count - (gain / customer_count) * (gain / customer_count), 0)
            / customer_count
        ) as gain_error
    from summed
),

graded as (
    select
        list,
        min(gain - gain_error) as lowest_gain,
        min(gain + gain_error) as highest_gain
    from measured
    where model != 'recommended'
    group by 1
),

recommendation_scorecard as (
    select
        measured.list,
        measured.model,
        measured.snapshot_date,
        cast(measured.customer_count as integer) as customer_count,
        measured.hit_rate,
        measured.recall,
        measured.ndcg,
        measured.ndcg_error,
        case when measured.model != 'recommended' then measured.gain end as recommended_gain,
        case when measured.model != 'recommended' then measured.gain_error end as recommended_gain_error,
        case
            when measured.model != 'recommended' then null
            when graded.lowest_gain > 0 then 'A'
            when graded.highest_gain >= 0 then 'B'
            else 'C'
        end as grade,
        {{ as_of_date() }} as as_of_date
    from measured
    inner join graded
        on measured.list = graded.list
)

select * from recommendation_scorecard
