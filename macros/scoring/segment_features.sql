{# The features that customers are segmented by: name to SQL over the columns of int_customer_snapshots.
   Money and counts as logarithms, because their spread grows with their size. The seed
   segment_archetypes has a column for each; int_segment_features documents them. #}
{% macro segment_features() %}
    {%- set monetary = clientele.scored_monetary() -%}
    {{- return({
        'log_recency': 'ln(1 + recency_days)',
        'log_frequency': 'ln(1 + frequency)',
        'log_monetary': 'sign(' ~ monetary ~ ') * ln(1 + abs(' ~ monetary ~ '))',
        'log_order_value': 'sign(average_order_value) * ln(1 + abs(average_order_value))',
        'discount_share': 'least(greatest(coalesce(discount_share, 0), 0), 1)',
        'tenure_days': 'tenure_days',
        'category_breadth': 'category_count',
        'log_events': 'ln(1 + coalesce(events_90, 0))',
    }) -}}
{% endmacro %}
